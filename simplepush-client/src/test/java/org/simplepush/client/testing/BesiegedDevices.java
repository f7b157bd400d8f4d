package org.simplepush.client.testing;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.OkHttpClient;
import okhttp3.tls.Certificates;
import okhttp3.tls.HandshakeCertificates;
import org.simplepush.client.ConnectionListener;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushManager;
import org.simplepush.client.internal.connection.Disconnected;

/**
 * A process full of devices: some of an honest server, and one each of hostile servers. Does what
 * it reads, a word a line, and says what happens, a fact a line.
 *
 * <ul>
 *   <li>{@code attack}: connects to the hostile servers.
 *   <li>{@code report}: says {@code end <device> <connects> <ends> <reason of the last end>}.
 *   <li>{@code retreat}: closes the devices of hostile servers.
 *   <li>{@code measure}: says {@code rest <KiB of heap> <threads of devices> <descriptors>}.
 * </ul>
 */
public final class BesiegedDevices {
  private static final PrintStream OUT = System.out;

  private BesiegedDevices() {}

  /** A device of a hostile server, and what it heard. */
  private static final class Victim implements ConnectionListener {
    private final int number;
    private final AtomicInteger connects = new AtomicInteger();
    private final AtomicInteger ends = new AtomicInteger();
    private final PushClient device;
    private volatile String reason = "";

    Victim(int number, URI server, OkHttpClient okHttp) throws Exception {
      this.number = number;
      device =
          PushClient.builder(server)
              .okHttpClient(okHttp)
              .requestTimeout(Duration.ofSeconds(1))
              .backoff(Duration.ofMillis(20), Duration.ofMillis(500))
              .listener(this)
              .build()
              .start();
      device.application("besieged", message -> {}, (lost, endpoint) -> {});
    }

    @Override
    public void onConnected() {
      connects.incrementAndGet();
    }

    @Override
    public void onDisconnected(Disconnected event) {
      ends.incrementAndGet();
      reason = event.reason();
    }

    void report() {
      OUT.println("end " + number + " " + connects + " " + ends + " " + reason);
    }
  }

  /**
   * @param args a file with the certificate to trust, the honest server, how many devices it has,
   *     and the hostile servers
   */
  public static void main(String[] args) throws Exception {
    HandshakeCertificates trust =
        new HandshakeCertificates.Builder()
            .addTrustedCertificate(
                Certificates.decodeCertificatePem(Files.readString(Path.of(args[0]))))
            .build();
    OkHttpClient okHttp =
        new OkHttpClient.Builder()
            .sslSocketFactory(trust.sslSocketFactory(), trust.trustManager())
            .build();
    for (int i = 0; i < Integer.parseInt(args[2]); i++) {
      startHonest(i, URI.create(args[1]), okHttp);
    }
    List<Victim> victims = new ArrayList<>();
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String order = in.readLine(); order != null; order = in.readLine()) {
      switch (order) {
        case "attack" -> {
          for (int i = 3; i < args.length; i++) {
            victims.add(new Victim(i - 3, URI.create(args[i]), okHttp));
          }
        }
        case "report" -> victims.forEach(Victim::report);
        case "retreat" -> {
          victims.forEach(victim -> victim.device.closeAsync());
          victims.forEach(victim -> victim.device.close());
          victims.clear();
        }
        case "measure" -> measure();
        default -> throw new AssertionError(order);
      }
      OUT.println("done " + order);
    }
  }

  private static void startHonest(int number, URI server, OkHttpClient okHttp) throws Exception {
    PushClient device =
        PushClient.builder(server)
            .okHttpClient(okHttp)
            .requestTimeout(Duration.ofSeconds(5))
            .backoff(Duration.ofMillis(20), Duration.ofMillis(500))
            .pingInterval(Duration.ofSeconds(20))
            .build()
            .start();
    PushManager application =
        device.application(
            "honest", message -> OUT.println("got " + number + " " + message.version()));
    OUT.println("endpoint " + number + " " + application.register().get());
  }

  private static void measure() {
    System.gc();
    OUT.println(
        "rest "
            + ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / 1024
            + " "
            + Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("simplepush-client"))
                .count()
            + " "
            + ((UnixOperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getOpenFileDescriptorCount());
  }
}
