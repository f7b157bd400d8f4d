package org.simplepush.examples.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.VersionStore;
import org.simplepush.server.redis.RedisVersionStore;
import org.simplepush.server.sqlite.SqliteVersionStore;

/**
 * Opens the store that an option names: {@code memory}, {@code sqlite:PATH} or {@code
 * redis://HOST:PORT}. Only for programs that have simplepush-server.
 */
public final class StoreOption {
  private static final String SQLITE = "sqlite:";

  private static final Pattern SHAPE = Pattern.compile("memory|sqlite:.+|rediss?(-sentinel)?://.+");

  private StoreOption() {}

  /**
   * Checks how a store is written, without opening it.
   *
   * @throws IllegalArgumentException with a sentence without the password that may be in it
   */
  public static void check(String store) {
    if (!SHAPE.matcher(store).matches()) {
      throw new IllegalArgumentException(
          "must be memory, sqlite:PATH or redis://HOST:PORT, but was '%s'"
              .formatted(store.replaceFirst("://.+", "://…")));
    }
  }

  /**
   * Opens a store; the caller closes it.
   *
   * @throws IllegalArgumentException if this is not the way to write a store
   * @throws IOException if the file cannot be opened
   */
  public static VersionStore open(String store) throws IOException {
    check(store);
    if (store.startsWith(SQLITE)) {
      return SqliteVersionStore.open(Path.of(store.substring(SQLITE.length())));
    }
    return store.equals("memory") ? new InMemoryVersionStore() : RedisVersionStore.open(store);
  }
}
