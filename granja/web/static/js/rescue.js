// Tells the person when the page can't begin.  It is no module: so it works when modules do not.

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
  // A missing module causes an error event at its element, and such events don't bubble.
  addEventListener("error", (event) => event.target instanceof HTMLScriptElement && broken(), true);
  // The modules send this event when they find an error themselves.
  addEventListener("granja-broken", broken);
})();
