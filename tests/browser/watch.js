// Runs before the page's own scripts: nothing may go wrong from here on.
window.wrongs = [];
const wrong = (what) => window.wrongs.push(String(what));
addEventListener("error", (event) => wrong(`error: ${event.message}`));
addEventListener("unhandledrejection", (event) => wrong(`rejected: ${event.reason}`));
addEventListener("securitypolicyviolation", (event) => wrong(`loads ${event.blockedURI} (${event.violatedDirective})`));
for (const level of ["error", "warn"]) console[level] = (...words) => wrong(`console.${level}: ${words.join(" ")}`);
window.alert = (text) => wrong(`alert: ${text}`);
