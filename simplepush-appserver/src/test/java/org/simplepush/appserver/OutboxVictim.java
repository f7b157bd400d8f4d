package org.simplepush.appserver;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;

/** A process that puts versions into an outbox, and says so, until it is killed. */
final class OutboxVictim {
  static final int ENDPOINTS = 20;

  private OutboxVictim() {}

  public static void main(String[] args) {
    Notifier notifier =
        Notifier.builder().permitHost("localhost").deadline(Duration.ofMillis(200)).build();
    Outbox outbox =
        Outbox.builder(notifier, Databases.sqlite(Path.of(args[0])))
            .sweepInterval(Duration.ofMillis(100))
            .build()
            .start();
    for (long version = Long.parseLong(args[2]); ; version++) {
      outbox.publish(URI.create(args[1] + version % ENDPOINTS), version);
      System.out.println(version);
    }
  }
}
