// Runs before anything is shown, so that the page does not change its looks while it loads.
document.documentElement.classList.remove("no-js");
try {
  const theme = localStorage.getItem("meshsim-theme");
  if (theme) document.documentElement.dataset.theme = theme;
} catch {
  // A page opened from a file may have no storage; then the system's theme is used.
}
