/** Takes files that are dropped anywhere: beside a target the browser would leave the page. */
export function onDrop(take: (files: readonly File[]) => void): void {
  const { classList } = document.body;
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    classList.add("over");
  });
  document.addEventListener("dragleave", ({ relatedTarget }) => {
    if (relatedTarget === null) classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    classList.remove("over");
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length > 0) take(files);
  });
}
