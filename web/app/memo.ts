// A component that is redrawn only when one of its properties has changed.

import { Component, type ComponentChild, h } from "preact";
import { isSame } from "./model.ts";

/** Changes of stores still redraw it, through its own subscriptions. */
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
