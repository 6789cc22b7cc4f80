// Runs before the page's own scripts: nothing may go wrong from here on.
window.wrongs = [];
const wrong = (what) => window.wrongs.push(String(what));
addEventListener("error", (event) => wrong(`error: ${event.message}`));
addEventListener("unhandledrejection", (event) => wrong(`rejected: ${event.reason}`));
addEventListener("securitypolicyviolation", (event) => wrong(`loads ${event.blockedURI} (${event.violatedDirective})`));
for (const level of ["error", "warn"]) console[level] = (...words) => wrong(`console.${level}: ${words.join(" ")}`);
// What is written on canvases.
window.written = [];
const { fillText } = CanvasRenderingContext2D.prototype;
CanvasRenderingContext2D.prototype.fillText = function (text, ...more) {
  window.written.push(text);
  return fillText.call(this, text, ...more);
};
window.alert = (text) => wrong(`alert: ${text}`);
