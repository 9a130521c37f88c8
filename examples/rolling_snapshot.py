"""The rolling-snapshot loop with nothing but Python's standard library (3.8 and later).

    npx kimi-emulator exec -- python3 rolling_snapshot.py     # or: rolling_snapshot.py FILE --trigger 20000

KIMI_BASE_URL and KIMI_API_KEY name the server, as `exec` sets them. With the official SDK the loop reads:

    client = OpenAI(base_url=os.environ["KIMI_BASE_URL"], api_key=os.environ["KIMI_API_KEY"])
    snapshots = []

    def chat_round(session_id, text, max_keep=180_000):
        stream = client.chat.completions.create(
            model="kimi-k3", messages=[{"role": "user", "content": text}], stream=True,
            max_completion_tokens=32_000, extra_body={"session_id": session_id})
        for chunk in stream:
            yield chunk.choices[0].delta.content or ""
        session = client.get(f"/sessions/{session_id}", cast_to=object)
        if session["usage"]["total_tokens"] > max_keep:
            body = {"preserve_len": 8000}
            snapshots.append(client.post(f"/sessions/{session_id}/snapshots", cast_to=object, body=body))
            client.post(f"/sessions/{session_id}/truncate", cast_to=object, body=body)
"""

import argparse
import itertools
import json
import os
import pathlib
import sys
import urllib.error
import urllib.request

PAGE_CHARACTERS = 2_000  # at most four tokens each: never over the limit of one write
ROUNDS_TO_UNDO = 3


def chat_round(kimi, session_id, text, max_keep, snapshots):
    """One turn; a snapshot and a cut once the window has grown over max_keep tokens."""
    yield from kimi.stream("/chat/completions", {
        "model": "kimi-k3", "messages": [{"role": "user", "content": text}], "stream": True,
        "max_completion_tokens": 32_000, "session_id": session_id})
    session = kimi.call("GET", f"/sessions/{session_id}")
    if session["usage"]["total_tokens"] > max_keep:
        body = {"preserve_len": 8000}
        snapshots.append(kimi.call("POST", f"/sessions/{session_id}/snapshots", body))
        kimi.call("POST", f"/sessions/{session_id}/truncate", body)


class Kimi:
    """The API over HTTP: JSON in, JSON or server-sent events out."""

    def __init__(self, base_url, api_key):
        self.base_url = base_url.rstrip("/")
        self.headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}

    def open(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base_url + path, data, self.headers, method=method)
        return urllib.request.urlopen(request, timeout=60)

    def call(self, method, path, body=None):
        with self.open(method, path, body) as response:
            return json.load(response)

    def stream(self, path, body):
        """The chunks of an event stream. One that ends without [DONE] has failed."""
        with self.open("POST", path, body) as response:
            for line in response:
                if not line.startswith(b"data: "):
                    continue
                if line.strip() == b"data: [DONE]":
                    return
                chunk = json.loads(line[len(b"data: "):])
                if "error" in chunk:
                    raise RuntimeError(chunk["error"]["message"])
                yield chunk
        raise RuntimeError("the stream ended before [DONE]")


def pages(paths):
    """The files' text without end: from the beginning again where it is through."""
    for reading in itertools.count(1):
        for path in paths:
            text = path.read_text(encoding="utf-8")
            for start in range(0, len(text), PAGE_CHARACTERS):
                page = text[start:start + PAGE_CHARACTERS].strip()
                yield f"{path.name} from {start}, reading {reading}:\n\n{page}\n\nWhat does this part tell?"


class Progress:
    """How full the window is: a bar that moves on a terminal, a line for every tenth elsewhere."""

    def __init__(self, out, trigger):
        self.out, self.trigger, self.again, self.tenth = out, trigger, "\r\x1b[K" if out.isatty() else "", -1

    def show(self, window, rounds):
        share = min(1, window / self.trigger)
        text = f"[{'#' * round(30 * share):-<30}] {window:>7,} of {self.trigger:,} tokens, round {rounds:,}"
        if self.again:
            print(self.again + text, end="", file=self.out, flush=True)
        elif int(10 * share) != self.tenth:
            print(text, file=self.out, flush=True)
        self.tenth = int(10 * share)

    def say(self, text):
        print(self.again + text, file=self.out, flush=True)


def play(kimi, texts, trigger, crossings):
    progress = Progress(sys.stdout, trigger)
    instructions = {"role": "system", "content": "You take part in a long conversation. Answer from what stands in it."}
    session = kimi.call("POST", "/sessions", {"model": "kimi-k3", "title": "rolling snapshot", "messages": [instructions]})
    session_id, window = session["session_id"], session["usage"]["total_tokens"]
    rounds, sent, stateless, left, snapshots = 0, window, 0, ROUNDS_TO_UNDO, []
    progress.say(f"session   {session_id}, cut above {trigger:,} tokens")
    for text in texts:
        if len(snapshots) >= crossings:
            if left == 0:
                break
            left -= 1
        cuts = len(snapshots)
        for chunk in chat_round(kimi, session_id, text, trigger, snapshots):
            if "session" in chunk:  # the finish chunk: usage stands inside its choice
                stateless += chunk["choices"][0]["usage"]["prompt_tokens"]
                window = chunk["session"]["usage"]["total_tokens"]
        rounds += 1
        newest = kimi.call("GET", f"/sessions/{session_id}/messages?order=desc&limit=2")["data"]
        sent += sum(message["tokens"] for message in newest if message["role"] == "user")
        if len(snapshots) > cuts:
            before, window = window, kimi.call("GET", f"/sessions/{session_id}")["usage"]["total_tokens"]
            progress.say(f"snapshot  {snapshots[-1]['snapshot_id']} holds {before:,} tokens")
            progress.say(f"cut       {before:,} -> {window:,} tokens")
        progress.show(window, rounds)
    last = snapshots[-1]["snapshot_id"]
    restored = kimi.call("POST", f"/sessions/{session_id}/rollback", {"snapshot_id": last})
    progress.say(f"rollback  {last}: {window:,} -> {restored['usage']['total_tokens']:,} tokens\n")
    print(f"rounds    {rounds:,}, {len(snapshots)} snapshots")
    print(f"sent      {sent:,} tokens")
    print(f"stateless {stateless:,} tokens would have been sent without a session: {stateless / sent:.1f} times as many")


def main():
    parser = argparse.ArgumentParser(description="Play text through the rolling-snapshot loop.")
    parser.add_argument("files", nargs="*", type=pathlib.Path, help="text files (default: those beside the example)")
    parser.add_argument("--trigger", type=int, default=90_000, help="cut the window above so many tokens")
    parser.add_argument("--crossings", type=int, default=2, help="end after so many cuts")
    flags = parser.parse_args()
    if not 8_000 < flags.trigger <= 240_000 or flags.crossings < 1:
        parser.error("--trigger takes 8001 to 240000 tokens, --crossings 1 or more")
    files = flags.files or sorted((pathlib.Path(__file__).parent / "input").iterdir())
    kimi = Kimi(os.environ.get("KIMI_BASE_URL", "http://127.0.0.1:4100/v1"), os.environ.get("KIMI_API_KEY", "sk-local"))
    try:
        play(kimi, pages(files), flags.trigger, flags.crossings)
    except urllib.error.HTTPError as error:
        sys.exit(f"rolling_snapshot: {error.code} {error.read().decode(errors='replace')}")
    except urllib.error.URLError as error:
        sys.exit(f"rolling_snapshot: no server answers at {kimi.base_url} ({error.reason}); npx kimi-emulator starts one")
    except (OSError, RuntimeError) as error:
        sys.exit(f"rolling_snapshot: {error}")


if __name__ == "__main__":
    main()
