package org.simplepush.appserver.testing;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.simplepush.appserver.Notifier;
import org.simplepush.appserver.Outbox;

/** A process that puts versions into an outbox, and says so, until it is killed. */
public final class OutboxVictim {
  public static final int ENDPOINTS = 20;

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
