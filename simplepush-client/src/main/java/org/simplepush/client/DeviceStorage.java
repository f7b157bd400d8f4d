package org.simplepush.client;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the state of one device: its identity, its registrations and the last version each has
 * handed over. A client that is started with what another one left goes on where that one stopped.
 *
 * <p>The state is a text that only the client understands, of about 300 characters a registration.
 * It holds secrets, so nobody else should be able to read it. One storage serves one client at a
 * time, which calls it from one thread at a time and waits for it.
 */
public interface DeviceStorage {
  /** Returns a storage that lasts as long as the object does. */
  static DeviceStorage inMemory() {
    return new InMemoryDeviceStorage();
  }

  /**
   * Returns what was saved last, or null if nothing ever was.
   *
   * @throws IOException if there may be a state but it cannot be read
   */
  @Nullable String load() throws IOException;

  /**
   * Replaces the state. When this returns, {@code state} is as durable as this storage makes it; if
   * the process dies before, {@link #load()} returns the old or the new state, whole.
   *
   * @throws IOException if it could not be saved; the old state is kept. The client tries again
   */
  void save(String state) throws IOException;
}
