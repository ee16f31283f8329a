// No module, so that it works when a module does not: a page that can't begin says so.

(() => {
  const say = () => {
    const banner = document.getElementById("banner");
    const retry = document.getElementById("banner-retry");
    if (banner === null || !banner.hidden) return;
    document.getElementById("banner-text").textContent =
      "No se pudo cargar la granja. Quizá se cortó la conexión a medio camino.";
    retry.textContent = "Cargar de nuevo";
    retry.hidden = false;
    retry.addEventListener("click", () => location.reload());
    banner.hidden = false;
  };
  const broken = () => {
    if (document.readyState === "loading") addEventListener("DOMContentLoaded", say);
    else say();
  };
  // A module that is missing, or one that it needs, is an error of its element; these don't bubble.
  addEventListener("error", (event) => event.target instanceof HTMLScriptElement && broken(), true);
  // What the modules found out themselves.
  addEventListener("granja-broken", broken);
})();
