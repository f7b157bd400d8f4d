package org.simplepush.appserver.internal.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.Dns;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.appserver.testing.Resolvers;
import org.simplepush.core.internal.DaemonThreads;

@Timeout(60)
class HostLookupsTest {
  @Test
  void knownHostIsServedThoughItsNameServerHangsLater() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    AtomicInteger asked = new AtomicInteger();
    Dns dns =
        host -> {
          if (asked.incrementAndGet() > 1) {
            Resolvers.awaitUninterrupted(never);
          }
          return List.of(InetAddress.getLoopbackAddress());
        };
    HostLookups lookups =
        new HostLookups(dns, Duration.ofMillis(100), DaemonThreads.numbered("test-lookup-"));
    try {
      List<InetAddress> found = lookups.lookup("push.example");
      lookups.doubt("push.example");
      assertThat(lookups.lookup("push.example")).isEqualTo(found);
      assertThat(asked).hasValue(2);
      assertThat(lookups.lookup("push.example")).isEqualTo(found);
      assertThat(asked).hasValue(2); // it still is being asked
    } finally {
      never.countDown();
      lookups.stop();
    }
  }
}
