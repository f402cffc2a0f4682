// Runs before the first paint, so that a page that is to be dark never flashes light. It is a file because the page
// allows no script inside the document.
(function () {
  var root = document.documentElement;
  try {
    var theme = localStorage.getItem("cyan.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    var language = localStorage.getItem("cyan.language");
    root.lang = language === "ja" || language === "en" ? language : /^ja\b/.test(navigator.language) ? "ja" : "en";
  } catch (e) {
    root.lang = "en";
  }
})();
