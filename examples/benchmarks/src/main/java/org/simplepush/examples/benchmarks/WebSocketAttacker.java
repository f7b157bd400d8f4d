package org.simplepush.examples.benchmarks;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** A stranger who opens a WebSocket first. */
abstract class WebSocketAttacker extends Attacker {
  private static final int SWITCHING_PROTOCOLS = 101;
  private static final int POLICY = 1008;
  private static final int TRY_LATER = 1013;

  private final FrameReader frames = new FrameReader();

  WebSocketAttacker(Attack attack, SiegeTarget target) {
    super(attack, target, target.server().webSocket, target.tls());
  }

  /** The WebSocket is open. */
  abstract void upgraded();

  /** A message came. */
  void heard(String message) {}

  @Override
  void connected() {
    say(target.server().upgrade);
  }

  @Override
  final void received(ByteBuffer in) throws WireException {
    if (!isEstablished()) {
      if (!loop.responses.next(in)) {
        return;
      }
      if (loop.responses.status != SWITCHING_PROTOCOLS) {
        answered(loop.responses.status);
        leave();
        return;
      }
      establish();
      upgraded();
    }
    while (isOpen() && frames.next(in)) {
      if (frames.opcode == Wire.CLOSE) {
        boolean hasCode = frames.to - frames.from >= 2;
        int high = hasCode ? frames.array[frames.from] & 0xff : 0;
        int code = hasCode ? high << 8 | (frames.array[frames.from + 1] & 0xff) : 0;
        answered(code == POLICY || code == TRY_LATER);
      } else if (frames.opcode == Wire.TEXT) {
        String message =
            new String(
                frames.array, frames.from, frames.to - frames.from, StandardCharsets.ISO_8859_1);
        answered(message.contains("\"status\":503") || message.contains("\"status\":429"));
        heard(message);
      } else {
        attack.answers++;
      }
    }
  }

  final void text(String ascii) {
    send(loop.wire.begin().ascii(ascii).frame(Wire.TEXT));
  }
}
