import type { Api } from '../support/emulator.ts';

interface Listed {
  id: string;
  share?: { share_id: string } | null;
}

/** Everything that these keys can read of an emulator, as it is answered. */
export async function readable(api: Api, keys: readonly string[]): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const key of keys) {
    const list = async (path: string): Promise<Listed[]> => {
      const data: Listed[] = [];
      for (let after = ''; ; ) {
        const { body } = await api.get<{ data: Listed[]; has_more: boolean; last_id: string }>(
          `${path}${path.includes('?') ? '&' : '?'}limit=100${after}`,
          { key },
        );
        data.push(...body.data);
        if (!body.has_more) break;
        after = `&after=${body.last_id}`;
      }
      found[`${key} ${path}`] = data;
      return data;
    };
    for (const { id } of await list('/v1/sessions')) await list(`/v1/sessions/${id}/messages`);
    for (const { id, share } of await list('/v1/snapshots')) {
      await list(`/v1/snapshots/${id}/messages`);
      await list(`/v1/snapshots/${id}/messages?scope=archived`);
      if (share) found[`${key} ${share.share_id}`] = (await api.get(`/v1/shares/${share.share_id}`, { key })).text;
    }
  }
  return found;
}
