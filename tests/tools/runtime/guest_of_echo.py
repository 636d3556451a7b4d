"""What the test plugin does in the guest: whatever the request asks for."""

SOURCE = """
import gc, json, sys, _reglet

def handler(entry, payload):
    request = json.loads(payload) if payload else {}
    do = request.get("do", "echo")
    if do == "echo":
        return json.dumps({"entry": entry, "payload": payload.decode()}).encode()
    if do == "raise":
        raise eval(request["what"])
    if do == "answer":
        return eval(request["what"])
    if do == "call":
        answer = _reglet.call(request["name"], request["request"].encode())
        return repr(answer).encode()
    if do == "call and catch":
        try:
            return repr(_reglet.call(request["name"], request["request"].encode())).encode()
        except BaseException as error:
            return f"{type(error).__name__}: {error}".encode()
    if do == "evaluate":
        return repr(eval(request["what"])).encode()
    if do == "evaluate all":
        return json.dumps([repr(eval(what)) for what in request["calls"]]).encode()
    raise AssertionError(do)

_reglet.set_handler(handler)
gc.collect()
"""
