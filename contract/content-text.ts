/** The text of a message's content; parts are joined as they stand. Apart from the schemas, so that a bundle stays small. */
export function contentText(content: string | readonly { readonly text: string }[] | null | undefined): string {
  if (content === null || content === undefined) return '';
  return typeof content === 'string' ? content : content.map((part) => part.text).join('');
}
