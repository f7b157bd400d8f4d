package org.simplepush.examples.benchmarks;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.HdrHistogram.Histogram;

/** Asks a server each second whether it is well, on a connection of its own. Confined to a loop. */
final class HealthWatch {
  private static final long EVERY_MILLIS = 1000;

  /** The server itself gives its store 5 s. */
  private static final long PATIENCE_MILLIS = 6000;

  private static final byte[] REQUEST =
      "GET /__heartbeat__ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
          .getBytes(StandardCharsets.US_ASCII);

  private final LoadLoop loop;
  private final Timers timers;
  private final InetSocketAddress management;
  private final Histogram times = new Histogram(3);
  private boolean over;

  int failures;
  int failuresInARow;
  int mostFailuresInARow;

  HealthWatch(LoadLoop loop, Timers timers, InetSocketAddress management) {
    this.loop = loop;
    this.timers = timers;
    this.management = management;
  }

  void ask() {
    if (!over) {
      new Question().ask();
    }
  }

  void stop() {
    over = true;
  }

  Histogram times() {
    return times;
  }

  private final class Question extends Peer {
    private long began;
    private boolean answered;

    Question() {
      super(HealthWatch.this.loop, null);
    }

    void ask() {
      began = System.nanoTime();
      timers.after(PATIENCE_MILLIS, () -> answer(false));
      open(management, null);
    }

    @Override
    void connected() {
      send(ByteBuffer.wrap(REQUEST));
    }

    @Override
    void received(ByteBuffer in) throws WireException {
      if (loop.responses.next(in)) {
        answer(loop.responses.status == 200);
      }
    }

    @Override
    void broken(String why) {
      answer(false);
    }

    private void answer(boolean good) {
      if (answered) {
        return;
      }
      answered = true;
      end();
      if (good) {
        times.recordValue(System.nanoTime() - began);
        failuresInARow = 0;
      } else {
        failures++;
        failuresInARow++;
        mostFailuresInARow = Math.max(mostFailuresInARow, failuresInARow);
      }
      timers.after(EVERY_MILLIS, HealthWatch.this::ask);
    }
  }
}
