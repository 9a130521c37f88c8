interface Part {
  readonly type?: string;
  readonly text?: string;
  readonly media?: { readonly width: number; readonly height: number };
}

/**
 * The text of a message's content; parts are joined as they stand, a picture as `[image 640x480]`. Apart from the schemas, so
 * that a bundle stays small.
 */
export function contentText(content: string | readonly Part[] | null | undefined): string {
  if (content === null || content === undefined) return '';
  return typeof content === 'string' ? content : content.map(partText).join('');
}

function partText({ type, text, media }: Part): string {
  if (type !== 'image_url' && type !== 'video_url') return text ?? '';
  const size = media ? ` ${media.width}x${media.height}` : '';
  return `[${type === 'image_url' ? 'image' : 'video'}${size}]`;
}
