package org.simplepush.examples.standalone;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.VersionStore;
import org.simplepush.examples.cli.StoreOption;
import org.simplepush.server.PushServer;
import picocli.CommandLine.Option;

/** Where versions and the keys of endpoints are kept. */
final class StoreOptions extends Options {
  @Option(
      names = "--store",
      paramLabel = "S",
      defaultValue = "memory",
      description =
          "Where versions live: memory, sqlite:PATH to survive crashes, or redis://HOST:PORT of"
              + " Redis or Valkey to share them with other nodes. Default ${DEFAULT-VALUE}.")
  private String store;

  @Option(
      names = "--key-file",
      paramLabel = "PATH",
      description =
          "Endpoint keys, made if the store is new. Without it the store keeps them; with memory"
              + " endpoints die with the process.")
  private @Nullable Path keyFile;

  @Option(
      names = "--start-over",
      description =
          "Every user agent starts over at its next hello: after keys were lost or a backup was"
              + " restored. Only for one start. Default off.")
  private boolean startOver;

  @Option(
      names = "--rotate-keys",
      description =
          "Issue endpoints with a new key from now on, if the store keeps the keys; old endpoints go"
              + " on working. Only for one start. Default off.")
  private boolean rotateKeys;

  StoreOptions() {}

  /** Checks how the store is written, before anything is opened. */
  void check() {
    set("--store", store, StoreOption::check);
  }

  /** Opens the store; the caller closes it. */
  VersionStore open() throws IOException {
    try {
      return StoreOption.open(store);
    } catch (IllegalArgumentException e) {
      throw wrong("--store", String.valueOf(e.getMessage()));
    }
  }

  @Override
  void applyTo(PushServer.Builder builder) {
    if (keyFile != null) {
      builder.keyFile(keyFile);
    }
    if (startOver) {
      builder.startOver();
    }
    if (rotateKeys) {
      builder.rotateKeys();
    }
  }
}
