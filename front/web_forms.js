// ODK Web Forms behind one function, so that the pages need to know neither Vue nor how the form keeps its answers.

import { OdkWebForm, webFormsPlugin } from "@getodk/web-forms";
import { createApp, h } from "vue";

// Show a form inside an element.
//
// xform: the XForm. attachment(url) -> Response of a media file, status 404 where there is none. deviceId: what the form
// is told. answers: FormData of a draft to go on with, or null. finished(answers): called with the FormData of a form
// without faults; the form stays as it is. calendar: names and formats for PrimeVue's locale.
// Returns { answers(), setLanguage(word), languages(), ready(), close() }.
export function showForm(element, { xform, attachment, deviceId, answers, finished, calendar }) {
  const app = createApp({
    render: () => h(OdkWebForm, {
      formXml: xform,
      fetchFormAttachment: attachment,
      missingResourceBehavior: "BLANK",
      preloadProperties: { deviceID: deviceId },
      editInstance: answers ? { draft: { data: [answers] } } : null,
      onSubmit: (payload) => finished(payload.data[0]),
    }),
  });
  app.use(webFormsPlugin);
  Object.assign(app.config.globalProperties.$primevue.config.locale, calendar);
  const shown = app.mount(element);
  const root = () => find(shown.$.subTree);
  return {
    ready: () => root() !== null,
    // What was answered so far, as FormData; null while the form still loads.
    async answers() {
      const form = root();
      if (!form) return null;
      const payload = await form.prepareInstancePayload({ payloadType: "monolithic" });
      return payload.data[0];
    },
    languages: () => (root()?.languages ?? []).filter((each) => !each.isSyntheticDefault).map((each) => each.language),
    setLanguage(language) {
      const form = root();
      const wanted = form?.languages.find((each) => each.language === language);
      if (wanted) form.setLanguage(wanted);
    },
    close: () => app.unmount(),
  };
}

// The form that the component holds: its header is given it. Vue keeps what it drew as a tree.
function find(node) {
  if (!node) return null;
  const form = node.props?.form;
  if (form && typeof form.prepareInstancePayload === "function") return form;
  for (const child of [node.component?.subTree, ...(Array.isArray(node.children) ? node.children : [])]) {
    const found = child && typeof child === "object" ? find(child) : null;
    if (found) return found;
  }
  return null;
}
