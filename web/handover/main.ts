// Runs on the last page of an invitation. Hands the session that the forms carried over to the web client,
// through this window's session storage. Without this script the page explains how to sign in by hand.

const link = document.querySelector<HTMLElement>("[data-session]");
if (link) {
  const { session: token, phone: phone_number } = link.dataset;
  // The real end is unknown here; the client renews a session that is about to end.
  const expires_at = new Date().toISOString();
  sessionStorage.setItem("puffintalk.handover", JSON.stringify({ token, phone_number, expires_at }));
  link.removeAttribute("data-session");
  for (const element of document.querySelectorAll<HTMLElement>("[data-by-hand]")) element.hidden = true;
}

export {};
