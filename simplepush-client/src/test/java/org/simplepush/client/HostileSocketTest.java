package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import okhttp3.Cache;
import okhttp3.OkHttpClient;
import okhttp3.Response;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import okio.Buffer;
import okio.ForwardingSource;
import okio.Sink;
import okio.Socket;
import okio.Source;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.client.testing.HostileServer;
import org.simplepush.client.testing.Hostility;

/** Servers that mean harm, over real sockets: the device says so, and comes back later. */
@Timeout(60)
class HostileSocketTest {
  private final BlockingQueue<ConnectionListener.Disconnected> ends = new LinkedBlockingQueue<>();
  private final BlockingQueue<Boolean> connects = new LinkedBlockingQueue<>();
  private HostileServer server;
  private PushClient device;

  @AfterEach
  void close() throws Exception {
    if (device != null) {
      device.close();
    }
    if (server != null) {
      server.close();
    }
  }

  private PushClient.Builder builder() {
    return PushClient.builder(server.uri())
        .requestTimeout(Duration.ofSeconds(1))
        .backoff(Duration.ofMillis(1), Duration.ofMillis(20))
        .listener(
            new ConnectionListener() {
              @Override
              public void onConnected() {
                connects.add(true);
              }

              @Override
              public void onDisconnected(Disconnected event) {
                ends.add(event);
              }
            });
  }

  private ConnectionListener.Disconnected nextEnd() throws InterruptedException {
    ConnectionListener.Disconnected end = ends.poll(50, TimeUnit.SECONDS);
    assertThat(end).as("what the listener heard").isNotNull();
    assertThat(end.reason().length()).as(end.reason()).isLessThan(400);
    return end;
  }

  private void assertLostAndTriedAgain(String reason) throws InterruptedException {
    assertThat(nextEnd().reason()).contains(reason);
    assertThat(nextEnd().reason()).contains(reason);
    assertThat(server.accepted()).isGreaterThan(1);
  }

  @ParameterizedTest
  @EnumSource(Hostility.class)
  void hostileServerIsLeftAndTriedAgain(Hostility hostility) throws Exception {
    server = new HostileServer(hostility);
    device = builder().build().start();
    assertLostAndTriedAgain(hostility.reason);
  }

  /** What is looked at is what TLS has carried, not its own bytes. */
  @ParameterizedTest
  @EnumSource(
      value = Hostility.class,
      names = {"SILENCE", "ENDLESS_HEAD", "HUGE_HEADER", "EMPTY_FRAGMENTS", "PINGS", "COMPRESSION"})
  void hostileServerIsLeftOverTlsToo(Hostility hostility) throws Exception {
    HeldCertificate certificate =
        new HeldCertificate.Builder().addSubjectAlternativeName("127.0.0.1").build();
    HandshakeCertificates identity =
        new HandshakeCertificates.Builder().heldCertificate(certificate).build();
    HandshakeCertificates trust =
        new HandshakeCertificates.Builder()
            .addTrustedCertificate(certificate.certificate())
            .build();
    server = new HostileServer("wss", identity.sslContext().getServerSocketFactory(), hostility);
    device =
        builder()
            .okHttpClient(
                new OkHttpClient.Builder()
                    .sslSocketFactory(trust.sslSocketFactory(), trust.trustManager())
                    .build())
            .build()
            .start();
    assertLostAndTriedAgain(hostility.reason);
  }

  /** Not one of OkHttp's exceptions, so OkHttp says nothing. */
  @Test
  void errorInTheReaderIsALostConnection() throws Exception {
    AtomicBoolean broken = new AtomicBoolean(true);
    server =
        new HostileServer(
            wire -> {
              wire.greet(Hostility.UAID);
              wire.say("{}");
              wire.stayOnTheLine();
            });
    OkHttpClient failing =
        new OkHttpClient.Builder()
            .addInterceptor(
                chain -> {
                  Response response = chain.proceed(chain.request());
                  return response.newBuilder().socket(failing(response.socket(), broken)).build();
                })
            .build();
    device = builder().okHttpClient(failing).build().start();
    ConnectionListener.Disconnected end = nextEnd();
    assertThat(end.reason())
        .isEqualTo("the connection can be read no more: java.lang.OutOfMemoryError: of this test");
    assertThat(end.cause()).isInstanceOf(OutOfMemoryError.class);
    broken.set(false);
    assertThat(connects.poll(50, TimeUnit.SECONDS)).as("a connection that holds").isNotNull();
  }

  private static Socket failing(Socket socket, AtomicBoolean broken) {
    Source source =
        new ForwardingSource(socket.getSource()) {
          @Override
          public long read(Buffer sink, long byteCount) throws IOException {
            long read =
                super.read(sink, byteCount); // the answer to the hello, so nothing is being written
            if (broken.get()) {
              throw new OutOfMemoryError("of this test");
            }
            return read;
          }
        };
    return new Socket() {
      @Override
      public Source getSource() {
        return source;
      }

      @Override
      public Sink getSink() {
        return socket.getSink();
      }

      @Override
      public void cancel() {
        socket.cancel();
      }
    };
  }

  /** Such as a portal that wants to be paid first. */
  @Test
  void answerThatMayBeCachedIsNot(@TempDir Path folder) throws Exception {
    List<String> answers = new ArrayList<>();
    server =
        new HostileServer(
            wire -> {
              while (true) {
                wire.readHead();
                synchronized (answers) {
                  answers.add("200");
                }
                wire.write(
                    "HTTP/1.1 200 OK\r\n"
                        + "Cache-Control: max-age=31536000\r\n"
                        + "Content-Length: 0\r\n\r\n");
              }
            });
    OkHttpClient caching =
        new OkHttpClient.Builder().cache(new Cache(folder.toFile(), 1 << 20)).build();
    device = builder().okHttpClient(caching).build().start();
    nextEnd();
    nextEnd();
    nextEnd();
    synchronized (answers) {
      assertThat(answers).as("asked each time").hasSizeGreaterThanOrEqualTo(3);
    }
  }

  /** A server that means well and has much to say. */
  @Test
  void messageOfExactlyTheLimitIsRead() throws Exception {
    String padding = " ".repeat(1024 - "{}".length());
    BlockingQueue<String> said = new LinkedBlockingQueue<>();
    server =
        new HostileServer(
            wire -> {
              wire.greet(Hostility.UAID);
              wire.frame(0x01, padding.substring(0, 1000).getBytes());
              wire.frame(0x89, new byte[125]);
              wire.frame(0x00, new byte[0]);
              wire.frame(0x80, (padding.substring(1000) + "{}").getBytes());
              wire.say(
                  "{'messageType':'notification','updates':[{'channelID':'"
                      + Hostility.UAID
                      + "','version':1}]}");
              said.add(wire.readMessage());
              wire.stayOnTheLine();
            });
    device = builder().maxMessageLength(1024).build().start();
    assertThat(said.poll(50, TimeUnit.SECONDS)).contains("ack");
    assertThat(ends).isEmpty();
  }
}
