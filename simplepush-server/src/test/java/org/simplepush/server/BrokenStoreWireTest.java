package org.simplepush.server;

import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.server;

import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.fixtures.SlowStore;
import org.simplepush.server.fixtures.WireDevice;

/** A store that throws where it should answer: its own fault, and an error in the log each time. */
@Timeout(60)
class BrokenStoreWireTest {
  static Throwable[] thrown() {
    return new Throwable[] {
      new IllegalStateException("broken"),
      new StackOverflowError("broken"),
      new NoClassDefFoundError("broken"),
      new AssertionError("broken"),
    };
  }

  @ParameterizedTest
  @MethodSource("thrown")
  void onlyTheConnectionThatMetItEnds(Throwable failure) throws Exception {
    AtomicReference<Throwable> next = new AtomicReference<>();
    Executor breaking =
        task -> {
          Throwable now = next.getAndSet(null);
          if (now != null) {
            throw BrokenStoreWireTest.<RuntimeException>unchecked(now);
          }
          task.run();
        };
    SlowStore store = new SlowStore(new InMemoryVersionStore(), breaking);
    try (PushServer server = server().store(store).eventLoops(1).build().start();
        WireDevice unlucky = WireDevice.fresh(server.port());
        WireDevice witness = WireDevice.fresh(server.port())) {
      next.set(failure);
      unlucky.socket().send("{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}");
      unlucky.socket().expectEnd();
      witness.register(CHANNEL);
      WireDevice.fresh(server.port()).close();
    }
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> T unchecked(Throwable failure) throws T {
    throw (T) failure;
  }
}
