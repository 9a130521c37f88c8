import * as z from 'zod';

/** What files are uploaded for [Kimi API documentation, 2026-08-13]. */
export const FILE_PURPOSES = ['file-extract', 'image', 'video', 'batch'] as const;
export type FilePurpose = (typeof FILE_PURPOSES)[number];

export const FileObject = z
  .object({
    id: z.string(),
    object: z.literal('file'),
    bytes: z.int().min(1),
    created_at: z.int(),
    filename: z.string(),
    purpose: z.enum(FILE_PURPOSES),
    status: z.literal('ready'),
    status_details: z.string(),
  })
  .meta({ id: 'File' });

export const FileList = z
  .object({ object: z.literal('list'), data: z.array(FileObject), has_more: z.literal(false) })
  .meta({ id: 'FileList' });

export const FileDeleted = z
  .object({ id: z.string(), object: z.literal('file'), deleted: z.literal(true) })
  .meta({ id: 'FileDeleted' });

/** What a file says. Departure: of the live API's answer only that it is JSON is known. */
export const FileText = z
  .object({
    content: z.string(),
    file_type: z.string(),
    filename: z.string(),
    title: z.string(),
    type: z.literal('file'),
  })
  .meta({ id: 'FileText' });

/** The fields of an upload beside its file. */
export const fileUpload = z.object({ purpose: z.enum(FILE_PURPOSES) });

export type FileObject = z.infer<typeof FileObject>;
export type FileText = z.infer<typeof FileText>;
