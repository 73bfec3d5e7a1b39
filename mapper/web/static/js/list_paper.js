// The paper of a list: its button prints it.

document.getElementById("print").addEventListener("click", () => window.print());
