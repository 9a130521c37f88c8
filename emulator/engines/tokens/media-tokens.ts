import type { MediaSize } from '../../../contract/messages.ts';

/** How the models of one family see pictures [the checkpoints' preprocessor_config.json, as client authors report it, 2026-08]. */
interface Sight {
  /** Patches of one picture at most. */
  readonly patches: number;
  /** Frames of a video that are looked at in a second, and patches of each at most. */
  readonly framesPerSecond: number;
  readonly framePatches: number;
  /** Patches of a whole video at most. */
  readonly videoPatches: number;
}

export const K2_SIGHT: Sight = {
  patches: 16_384,
  framesPerSecond: 2,
  framePatches: 4_096,
  videoPatches: Number.POSITIVE_INFINITY,
};
export const K3_SIGHT: Sight = { patches: 65_536, framesPerSecond: 8, framePatches: 16_384, videoPatches: 655_360 };

/** Of a part that did not come by way of a request. */
export const UNMEASURED: MediaSize = { width: 1, height: 1 };

const PATCH = 14;
/** Two by two patches are one token. */
const TOKEN = 2 * PATCH;
/** 512 patches. */
const LONGEST_SIDE = 7_168;
const FRAMES_IN_A_GROUP = 4;

/**
 * Tokens of a picture or a video. Ours, because only its figures are known: each group of four frames of a video takes what one
 * frame does, and a video with too many patches is made smaller frame by frame.
 * @example mediaTokens({ width: 1024, height: 1024 }, K3_SIGHT) // 1369
 */
export function mediaTokens(size: MediaSize, sight: Sight): number {
  if (size.seconds === undefined) return imageTokens(size, sight.patches);
  const frames = Math.max(1, Math.ceil(size.seconds * sight.framesPerSecond));
  const groups = Math.ceil(frames / FRAMES_IN_A_GROUP);
  return groups * imageTokens(size, Math.min(sight.framePatches, Math.max(1, sight.videoPatches / frames)));
}

function imageTokens({ width, height }: MediaSize, patches: number): number {
  const across = Math.max(1, Math.floor(width / PATCH));
  const down = Math.max(1, Math.floor(height / PATCH));
  const scale = Math.min(1, Math.sqrt(patches / (across * down)), LONGEST_SIDE / width, LONGEST_SIDE / height);
  const scaled = (side: number) => Math.min(Math.max(1, Math.floor(side * scale)), LONGEST_SIDE);
  return Math.ceil(scaled(width) / TOKEN) * Math.ceil(scaled(height) / TOKEN);
}
