// The pack's words in the user's language, from `locales/`. What has none there stays English.

import { api } from "../../../scripts/api.js"
import { app } from "../../../scripts/app.js"

const SECTION = "dsgLiveChart"
const PATIENCE = 5000 // milliseconds for the front end to load its own words of a language

let words = {}

/** A text of the live chart in the user's language, with {name} in it replaced by a value. */
export function say(text, values = {}) {
    return (words[SECTION]?.[text] ?? text).replace(/{(\w+)}/g, (_, name) => values[name])
}

/** The front end's translations (vue-i18n); undefined where it keeps them elsewhere. */
function translations() {
    const page = document.getElementById("vue-app")?.__vue_app__
    return page?._context.provides[page.__VUE_I18N_SYMBOL__]?.global
}

/**
 * Read the words, before the nodes are registered.
 *
 * The front end merges the words of packs into its own by itself. But some (1.32 for one) load their own of a language
 * after that and drop the packs': they are given them again.
 */
export async function loadWords() {
    const language = app.extensionManager.setting.get("Comfy.Locale")
    words = (await api.getCustomNodesI18n())[language] ?? {}
    const own = translations()
    if (!words.nodeDefs || !own) return
    const until = performance.now() + PATIENCE
    while (own.locale.value !== language && performance.now() < until) await new Promise((done) => setTimeout(done, 50))
    if (!own.te("nodeDefs.DSG_KSampler.display_name", language)) own.mergeLocaleMessage(language, words)
}
