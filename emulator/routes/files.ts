import { FILE_PURPOSES, type FileObject, type FilePurpose } from '../../contract/files.ts';
import { ApiError } from '../api-error.ts';
import { unixSeconds } from '../clock.ts';
import { type RequestContext, Routes } from '../http/context.ts';
import { requireText, sendContent } from '../http/file-content.ts';
import { readUpload } from '../http/multipart.ts';
import { respond, respondWritten } from '../http/respond.ts';
import { mutate } from '../mutation.ts';
import type { FileRow } from '../store/files.ts';

/** Uploaded files of an account. */
export function fileRoutes() {
  const routes = new Routes();

  routes.post('/', async (c) => {
    const { services, account } = c.var;
    const { filename, blob, fields } = await readUpload(c, services.limits);
    const purpose = purposeOf(fields.get('purpose'));
    noteUpload(c, { filename, purpose, bytes: blob.size, sha256: blob.hash });
    if (purpose === 'file-extract') await requireText(blob);
    const answer = await mutate(c, undefined, {
      async prepare(mutation) {
        requireRoom(c, blob.size);
        await mutation.storeBlobs({ blobs: [blob] });
      },
      apply() {
        requireRoom(c, blob.size);
        const row: FileRow = {
          id: services.ids('file'),
          account,
          filename,
          purpose,
          size: blob.size,
          createdAt: unixSeconds(services.clock),
          hash: blob.hash,
        };
        services.store.files.insert(row);
        return { body: toFile(row) };
      },
    });
    return respondWritten(c, answer);
  });

  // All of them: there are a thousand at most, and the parameters of the live API's list are not known.
  routes.get('/', (c) => {
    const data = c.var.services.store.files.list(c.var.account).map(toFile);
    return respond(c, { body: { object: 'list', data, has_more: false } });
  });

  routes.get('/:id', (c) => respond(c, { body: toFile(requireFile(c)) }));

  routes.get('/:id/content', (c) => sendContent(c, requireFile(c)));

  routes.delete('/:id', async (c) => {
    const answer = await mutate(c, undefined, {
      apply() {
        const { id } = requireFile(c);
        const { files, blobs } = c.var.services.store;
        files.delete(id);
        blobs.lookForUnused();
        return { body: { id, object: 'file', deleted: true } };
      },
    });
    return respondWritten(c, answer);
  });

  return routes;
}

/** @throws ApiError `file_not_found`, also for a file of another account */
function requireFile(c: RequestContext): FileRow {
  const id = c.req.param('id') ?? '';
  const file = c.var.services.store.files.find(c.var.account, id);
  if (!file) throw new ApiError('file_not_found', { file: id });
  return file;
}

/** @throws ApiError `file_purpose_invalid` */
function purposeOf(given: string | undefined): FilePurpose {
  const purpose = FILE_PURPOSES.find((known) => known === given);
  if (purpose === undefined) throw new ApiError('file_purpose_invalid', { purpose: given });
  return purpose;
}

/** @throws ApiError `files_limit_reached` */
function requireRoom(c: RequestContext, adding: number): void {
  const { store, limits } = c.var.services;
  const { count, size } = store.files.usage(c.var.account);
  if (count >= limits.files) throw new ApiError('files_limit_reached', { limit: limits.files, of: 'files' });
  if (size + adding > limits.files_bytes) {
    throw new ApiError('files_limit_reached', { limit: limits.files_bytes, of: 'files_bytes' });
  }
}

/** What stands for the body in the journal and under an idempotency key: all of it but the bytes. */
function noteUpload(c: RequestContext, upload: object): void {
  c.set('body', Buffer.from(JSON.stringify(upload)));
}

function toFile({ id, size, createdAt, filename, purpose }: FileRow): FileObject {
  return {
    id,
    object: 'file',
    bytes: size,
    created_at: createdAt,
    filename,
    purpose,
    status: 'ready',
    status_details: '',
  };
}
