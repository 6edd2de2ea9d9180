"""A peer in Twisted's own terms: each line of standard input is sent as a frame, each frame received is printed as a line."""

import sys

from twisted.internet import protocol, reactor, stdio
from twisted.protocols.basic import Int32StringReceiver, LineReceiver


class Keyboard(LineReceiver):
    delimiter = b'\n'
    MAX_LENGTH = 1 << 20

    def __init__(self, frames):
        self.frames = frames

    def lineReceived(self, line):
        self.frames.sendString(line)


class Frames(Int32StringReceiver):
    def connectionMade(self):
        stdio.StandardIO(Keyboard(self))

    def stringReceived(self, string):
        sys.stdout.buffer.write(string + b'\n')
        sys.stdout.buffer.flush()

    def connectionLost(self, reason):
        reactor.stop()


host, port = sys.argv[1:]
reactor.connectTCP(host, int(port), protocol.ClientFactory.forProtocol(Frames))
reactor.run()
