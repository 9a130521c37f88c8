"""A session and a turn: `npx kimi-emulator exec -- python3 quickstart.py`. With the official SDK (`pip install openai`):

    import os
    from openai import OpenAI
    client = OpenAI(base_url=os.environ.get("KIMI_BASE_URL", "http://127.0.0.1:4100/v1"), api_key="any")
    session = client.post("/sessions", cast_to=object, body={
        "model": "kimi-k3", "messages": [{"role": "user", "content": "The code is 7."}]})
    answer = client.chat.completions.create(
        model="kimi-k3", messages=[{"role": "user", "content": "What is the code?"}],
        extra_body={"session_id": session["session_id"]})
    print(answer.choices[0].message.content)

With nothing but the standard library:
"""
import json, os, urllib.request

def post(path, **body):
    url = os.environ.get("KIMI_BASE_URL", "http://127.0.0.1:4100/v1") + path
    headers = {"Authorization": "Bearer any", "Content-Type": "application/json"}
    return json.load(urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)))

session = post("/sessions", model="kimi-k3", messages=[{"role": "user", "content": "The code is 7."}])
question = [{"role": "user", "content": "What is the code?"}]
answer = post("/chat/completions", model="kimi-k3", session_id=session["session_id"], messages=question)
print(answer["choices"][0]["message"]["content"])
