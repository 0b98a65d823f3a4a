/** What renderers call themselves that draw on the CPU: Chromium's, Mesa's and Windows' own. */
const SOFTWARE = /swiftshader|llvmpipe|softpipe|basic render/i;

/** Whether this browser has no GPU to compute with but imitates one, which is much slower than backend `wasm`. */
export function rendersInSoftware(): boolean {
  const context = document.createElement("canvas").getContext("webgl2");
  if (context === null) return true;
  const names = context.getExtension("WEBGL_debug_renderer_info");
  return SOFTWARE.test(String(context.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER)));
}
