// Reading QR codes where the browser has no reader of its own: one plain script, since it also stands inside the page
// that is kept on a phone, and a file of a phone may import nothing.

import decodeQR from "qr/decode.js";

globalThis.readQr = decodeQR;
