// Before the first paint: the chosen theme, else what the system says. The page's policy allows no inline script.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("lilac.theme");
  } catch (_) {}
  var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
