package org.simplepush.server.internal.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RequestThreadsTest {
  private static final int THREADS = 4;

  private final RequestThreads threads = new RequestThreads("test-request-", THREADS);
  private final List<Socket> clients = new ArrayList<>();
  private ServerSocketChannel listener;

  @BeforeEach
  void listen() throws IOException {
    listener =
        ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
  }

  @AfterEach
  void close() throws IOException {
    threads.close();
    listener.close();
    for (Socket client : clients) {
      client.close();
    }
  }

  /** A client that never sends anything, and a thread that waits for it to. */
  private Socket silentClient() throws IOException {
    return silentClient(new CountDownLatch(1));
  }

  private Socket silentClient(CountDownLatch isWaitedFor) throws IOException {
    Socket client = new Socket(InetAddress.getLoopbackAddress(), listener.socket().getLocalPort());
    client.setSoTimeout(20_000);
    clients.add(client);
    SocketChannel connection = listener.accept();
    threads.execute(
        () -> {
          isWaitedFor.countDown();
          try {
            connection.read(ByteBuffer.allocate(1));
          } catch (IOException cutOff) {
            assertThat(connection.isOpen()).isFalse();
          }
        });
    return client;
  }

  private CompletableFuture<Boolean> task() {
    CompletableFuture<Boolean> wasInterrupted = new CompletableFuture<>();
    threads.execute(() -> wasInterrupted.complete(Thread.currentThread().isInterrupted()));
    return wasInterrupted;
  }

  @Test
  void clientThatWaitedForLongestIsCutOffWhenAnotherWaits() throws Exception {
    for (int i = 0; i < THREADS; i++) {
      CountDownLatch isWaitedFor = new CountDownLatch(1);
      silentClient(isWaitedFor);
      assertThat(isWaitedFor.await(20, TimeUnit.SECONDS)).isTrue(); // else another may be first
    }
    assertThat(task().get(20, TimeUnit.SECONDS)).as("interrupted").isFalse();
    assertThat(clients.get(0).getInputStream().read()).as("end of stream").isEqualTo(-1);
  }

  @Test
  void manySilentClientsDoNotKeepAnotherWaiting() throws Exception {
    for (int i = 0; i < 20 * THREADS; i++) {
      silentClient();
    }
    for (int i = 0; i < 20; i++) {
      assertThat(task().get(20, TimeUnit.SECONDS)).as("interrupted").isFalse();
    }
  }

  @Test
  void threadThatWorksIsLeftAlone() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CompletableFuture<Boolean> worker = new CompletableFuture<>();
    threads.execute(
        () -> {
          try {
            RequestThreads.works();
            worker.complete(release.await(50, TimeUnit.SECONDS));
          } catch (InterruptedException e) {
            worker.completeExceptionally(e);
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
    for (int i = 0; i < 3 * THREADS; i++) {
      silentClient();
    }
    assertThat(task().get(20, TimeUnit.SECONDS)).isFalse();
    assertThat(worker).isNotDone();
    release.countDown();
    assertThat(worker.get(20, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void nobodyIsCutOffWhileThreadsAreFree() throws Exception {
    Socket slow = silentClient();
    for (int i = 0; i < 1_000; i++) {
      assertThat(task().get(20, TimeUnit.SECONDS)).isFalse();
    }
    slow.setSoTimeout(1_000); // twice as long as a client may take when others wait
    assertThat(catchThrowable(() -> slow.getInputStream().read()))
        .isInstanceOf(SocketTimeoutException.class);
  }
}
