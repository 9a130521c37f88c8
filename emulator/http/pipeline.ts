import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => void;

/** Requests of one connection that wait for an answer before theirs. While there are more, nothing is read of it. */
const MAX_WAITING = 64;

/**
 * Answers the requests of each connection one after the other. Node hands over all that a client has sent ahead, and keeps every
 * answer until it can be sent: of a client that reads nothing, a few kilobytes of requests could fill the memory.
 */
export function oneByOne(answer: Listener): Listener {
  const lines = new WeakMap<Socket, Line>();
  return (incoming, outgoing) => {
    const { socket } = incoming;
    let line = lines.get(socket);
    if (!line) {
      line = new Line(socket);
      lines.set(socket, line);
    }
    line.add(outgoing, () => answer(incoming, outgoing));
  };
}

/** The requests of one connection. */
class Line {
  readonly #socket: Socket;
  /** The response to the request that came last. */
  #last: ServerResponse | undefined;
  #waiting = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  add(outgoing: ServerResponse, answer: () => void): void {
    const before = this.#last;
    this.#last = outgoing;
    if (!before || before.closed || before.writableFinished) {
      answer();
      return;
    }
    this.#waiting += 1;
    // Node reads on at the end of each request, a tick later.
    if (this.#waiting === MAX_WAITING) process.nextTick(this.#hold);
    before.once('close', () => {
      this.#waiting -= 1;
      // And after each answer, some ticks later.
      if (this.#waiting >= MAX_WAITING) setImmediate(this.#hold);
      else if (this.#socket.isPaused()) this.#socket.resume();
      if (!this.#socket.destroyed) answer();
      // Nobody gets this answer: whoever waits behind it is to know.
      else process.nextTick(() => outgoing.emit('close'));
    });
  }

  readonly #hold = (): void => {
    if (this.#waiting >= MAX_WAITING && !this.#socket.destroyed) this.#socket.pause();
  };
}
