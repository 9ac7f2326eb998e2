// A component that is drawn again only when one of its properties is another.

import { Component, type ComponentChild, h } from "preact";
import { isSame } from "./model.ts";

/** What it asks the stores for is seen all the same: that draws it by itself. */
export function memo<Props extends object>(View: (props: Props) => ComponentChild) {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Props): boolean {
      return !isSame<object>(this.props, next);
    }
    override render(): ComponentChild {
      return h(View, this.props);
    }
  };
}
