// Light or dark: as the system says, until the reader chooses.

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : systemIsDark.matches;
};

/** A colour of the style, as it is just now. */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function startTheme(redraw) {
  const button = find("#theme");
  const show = () => {
    button.textContent = isDark() ? "Light theme" : "Dark theme";
    redraw();
  };
  button.addEventListener("click", () => {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("meshsim-theme", theme);
    } catch {
      // It holds for this visit then.
    }
    show();
  });
  systemIsDark.addEventListener("change", show);
  // Paper is white.
  let before;
  addEventListener("beforeprint", () => {
    before = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    for (const folded of findAll("details.happened:not([open])")) {
      folded.open = true;
      addEventListener("afterprint", () => { folded.open = false; }, { once: true });
    }
    // The page is still as wide as the screen.
    redraw(PRINTED_CHART);
  });
  addEventListener("afterprint", () => {
    if (before) document.documentElement.dataset.theme = before;
    else delete document.documentElement.dataset.theme;
    redraw();
  });
  show();
}

/** About half of a page of paper, in CSS pixels; the style fits it in. */
const PRINTED_CHART = 440;
