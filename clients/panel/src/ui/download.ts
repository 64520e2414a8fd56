// Hands a file to the browser.

export function save(file: Blob, name: string) {
  const address = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => {
    URL.revokeObjectURL(address);
  }, 10_000);
}

/** Lets the browser fetch a file of the server, which goes on beside the page. */
export function follow(path: string) {
  const link = document.createElement("a");
  link.href = path;
  link.download = "";
  link.click();
}
