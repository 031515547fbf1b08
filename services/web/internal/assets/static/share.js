// Puts a button beside the address that is there to be copied. Without this file,
// or where a browser lets no page write to the clipboard, the address can still
// be selected by hand.

for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  if (!field || !navigator.clipboard) continue;
  const label = button.textContent;
  // Announced: whoever cannot see the button must learn that it worked.
  button.setAttribute("aria-live", "polite");
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      return; // refused: the address is selected, which is the other way
    }
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 3000);
  });
}
