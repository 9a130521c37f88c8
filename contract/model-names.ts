/** The model of the session dialect; retired on Moonshot's own host on 2026-05-25, its weights are open [Kimi API documentation]. */
export const MODEL_ID = 'kimi-k2-0905-preview';
/** Names that mean the same model; the name is echoed as given. The short one is the article's. */
export const MODEL_NAMES: readonly string[] = [MODEL_ID, 'kimi-k2-0905'];
