import { find } from "./dom.js";
import { paintPicture } from "./tiles.js";

const strip = find("samples", HTMLElement);
const shown = find("picture", HTMLCanvasElement);

/** Shows test pictures to choose from; the first is chosen. */
export function showSamples(
  samples: readonly { readonly label: string; readonly picture: Uint8Array }[],
  onChoice: (picture: Uint8Array) => void,
): void {
  strip.replaceChildren(
    ...samples.map(({ label, picture }, index) => {
      const canvas = document.createElement("canvas");
      paintPicture(canvas, picture);
      const button = document.createElement("button");
      button.type = "button";
      button.title = label;
      button.setAttribute("aria-label", label);
      button.setAttribute("aria-pressed", String(index === 0));
      button.append(canvas);
      button.addEventListener("click", () => {
        showPicture(picture);
        button.setAttribute("aria-pressed", "true");
        onChoice(picture);
      });
      return button;
    }),
  );
  const first = samples[0];
  if (first !== undefined) paintPicture(shown, first.picture);
}

/** Shows the picture that the network looks at; no sample is marked any more. */
export function showPicture(picture: Uint8Array): void {
  for (const button of strip.children) button.setAttribute("aria-pressed", "false");
  paintPicture(shown, picture);
}
