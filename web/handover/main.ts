// Runs on the last page of an invitation: what the page's forms carried from step to step goes on into the web client,
// through this window's own storage. Without it the page says how to go on by hand.

const link = document.querySelector<HTMLElement>("[data-session]");
if (link) {
  const { session: token, phone: phone_number } = link.dataset;
  // When it ends is not known here; the client renews what is about to end.
  const expires_at = new Date().toISOString();
  sessionStorage.setItem("puffintalk.handover", JSON.stringify({ token, phone_number, expires_at }));
  link.removeAttribute("data-session");
  for (const element of document.querySelectorAll<HTMLElement>("[data-by-hand]")) element.hidden = true;
}

export {};
