"""What a server is asked before the first commit to it."""

from lfm_online.store.fitness import make_append_only_file_whole


class Server:
    """Answers what is asked of it, and remembers that."""

    def __init__(self, **info: str) -> None:
        self.info = {"aof_enabled": "1", "run_id": "now", "aof_last_bgrewrite_status": "ok", **info}
        self.values: dict[str, bytes] = {}
        self.asked: list[str] = []

    def __call__(self, *command: str) -> object:
        self.asked.append(command[0])
        match command:
            case ("INFO",):
                return "\r\n".join(f"{name}:{value}" for name, value in self.info.items()).encode()
            case ("GET", key):
                return self.values.get(key)
            case ("SET", key, value):
                self.values[key] = value.encode()
        return b"OK"


def test_each_start_of_a_server_gets_one_rewrite_of_its_append_only_file() -> None:
    server = Server()
    for expected in (1, 1):
        make_append_only_file_whole(server, "run")
        assert server.asked.count("BGREWRITEAOF") == expected
    server.info["run_id"] = "later"
    make_append_only_file_whole(server, "run")
    assert server.asked.count("BGREWRITEAOF") == 2
    assert server.values == {"run": b"later"}


def test_a_server_without_such_a_file_is_left_alone() -> None:
    server = Server(aof_enabled="0")
    make_append_only_file_whole(server, "run")
    assert server.asked == ["INFO"]
