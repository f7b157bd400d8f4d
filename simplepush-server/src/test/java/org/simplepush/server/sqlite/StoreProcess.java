package org.simplepush.server.sqlite;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore.Advance;

/**
 * A store in a process of its own, to be killed: it registers {@link #CHANNELS} channels, each with
 * a user agent of its own, raises them for ever, and prints each version that was confirmed.
 */
final class StoreProcess {
  static final int CHANNELS = 64;
  private static final int IN_FLIGHT = 128;

  private StoreProcess() {}

  static Uaid uaid(int n) {
    return Uaid.of(new UUID(1, n));
  }

  static ChannelId channel(int n) {
    return ChannelId.of(new UUID(2, n));
  }

  static Process start(Path file, long firstVersion) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            StoreProcess.class.getName(),
            file.toString(),
            String.valueOf(firstVersion))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** Prints "confirmed N VERSION", "failed" or, if there is no store, why. */
  public static void main(String[] args) {
    try (SqliteVersionStore store = SqliteVersionStore.open(Path.of(args[0]))) {
      for (int n = 0; n < CHANNELS; n++) {
        store.hello(uaid(n), List.of());
        store.hello(uaid(n), null);
        store.register(uaid(n), channel(n), 10);
      }
      Deque<CompletableFuture<?>> inFlight = new ArrayDeque<>();
      for (long version = Long.parseLong(args[1]); ; version++) {
        for (int n = 0; n < CHANNELS; n++) {
          int channel = n;
          inFlight.add(
              store
                  .advance(uaid(n), channel(n), version)
                  .handle((advance, failure) -> print(channel, advance, failure))
                  .toCompletableFuture());
          if (inFlight.size() > IN_FLIGHT) {
            inFlight.remove().join();
          }
        }
      }
    } catch (IOException e) {
      System.out.println(e.getMessage());
    }
  }

  private static Object print(int channel, Advance advance, Throwable failure) {
    if (advance instanceof Advance.Advanced advanced) {
      System.out.println("confirmed " + channel + " " + advanced.update().version());
    } else {
      System.out.println(failure == null ? "not advanced: " + advance : "failed");
    }
    return channel;
  }
}
