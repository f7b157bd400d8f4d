package org.simplepush.client;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the state of one device: its identity, its registrations and the last version each has
 * handed over. A client that is started with what another one left goes on where that one stopped.
 *
 * <p>The state is a text that only the client understands, of about 300 characters a registration.
 * It holds secrets, so nobody else should be able to read it. It has a checksum: a client does not
 * start with a text that is not whole or was changed. A client reads what earlier versions of
 * SimplePush saved, and saves what they cannot read.
 *
 * <p>Do not restore an older copy in the place of a state that is damaged or lost: it lacks the
 * endpoints that were registered since, and the push server would end them without a word; or it
 * lists some that were unregistered, and the push server would end them all. Without a state, the
 * device is a new one, whose applications find that they have no endpoints and register again. One
 * storage serves one client at a time, which calls it from one thread at a time and waits for it.
 *
 * @since 0.1
 */
public interface DeviceStorage {
  /** Returns a storage that lasts as long as the object does. */
  static DeviceStorage inMemory() {
    return new InMemoryDeviceStorage();
  }

  /**
   * Returns a storage in a file. It survives a crash of the process at any moment, and of the
   * system if the disk keeps what it has confirmed. Each save writes a new file beside it ({@code
   * .new}), forces that to the disk and renames it. Only the user can read the file, where the file
   * system knows users. While a client runs, a lock file ({@code .lock}) keeps a second one away:
   * {@link #load()} fails then.
   *
   * @param file need not exist, its directory must
   */
  static DeviceStorage file(Path file) {
    return new FileDeviceStorage(file);
  }

  /**
   * Returns what was saved last, or null if nothing ever was. A client calls this when it starts,
   * before anything else.
   *
   * @throws IOException if there may be a state but it cannot be read, or it is in use
   */
  @Nullable String load() throws IOException;

  /**
   * Replaces the state. When this returns, {@code state} is as durable as this storage makes it; if
   * the process dies before, {@link #load()} returns the old or the new state, whole.
   *
   * @throws IOException if it could not be saved; the old state is kept. The client tries again
   */
  void save(String state) throws IOException;

  /**
   * The client that uses this storage is closed, or could not start. {@link #load()} may be called
   * again, by the same client or another one. The default does nothing.
   *
   * @throws IOException if something could not be released
   */
  default void release() throws IOException {}
}
