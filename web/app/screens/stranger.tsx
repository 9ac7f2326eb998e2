import { useApp, useTexts } from "../context.ts";
import { Icon } from "../parts/icons.tsx";
import { Face, Name } from "../parts/person.tsx";
import { Screen } from "../parts/screen.tsx";

/** Shown for the address of a number that is not in my list. */
export function Stranger({ phone }: { phone: string }) {
  const { router } = useApp();
  const texts = useTexts();
  return (
    <Screen title={texts.person.title}>
      <div class="card-person">
        <Face contact={null} phone={phone} />
        <p class="lead">
          <Name contact={null} phone={phone} />
        </p>
        <p>{texts.person.unknown}</p>
      </div>
      <button type="button" class="primary" data-first onClick={() => router.go({ at: "add", phone })}>
        <Icon name="add" /> {texts.add.title}
      </button>
    </Screen>
  );
}
