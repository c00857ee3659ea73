"""Several who compute shares of one picture, each in a thread of its own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from stylize.runtime.cluster.mailbox import Key, Mailbox, Message
from stylize.runtime.cluster.post import Post

Found = TypeVar("Found")


class Arrived:
    def result(self, timeout: float) -> None: ...


def in_company(count: int, compute: Callable[[Post], Found]) -> list[Found]:
    """Let each of so many compute; return what they found."""
    mailboxes = [Mailbox() for _ in range(count)]

    def send(number: int, key: Key, message: Message) -> Arrived:
        mailboxes[number].put(key, {name: value.copy() for name, value in message.items()})
        return Arrived()

    def one(number: int) -> Found:
        try:
            return compute(Post(number, count, send, mailboxes[number]))
        except BaseException:
            for each in mailboxes:
                each.close()
            raise

    with ThreadPoolExecutor(count) as threads:
        found: list[Future[Found]] = [threads.submit(one, number) for number in range(count)]
        return [each.result() for each in found]
