package org.simplepush.server.testing;

import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import org.simplepush.core.CloseCode;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.EndpointKeys;
import org.simplepush.server.PushServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A {@link FakePushServer} from start to close: one port in front of a real push server, for
 * devices and application servers alike.
 */
final class Run implements Closeable {
  private static final Logger log = LoggerFactory.getLogger(Run.class);

  final DeviceScript script = new DeviceScript();
  final Mailboxes mailboxes = new Mailboxes();
  final BlockingQueue<DeviceConnection> greeted = new LinkedBlockingQueue<>();
  final InMemoryVersionStore store = new InMemoryVersionStore();
  final PushServer real;

  private final ServerSocket listener;
  private final Duration patience;
  private final ExecutorService threads;
  private final CompletableFuture<Void> closing = new CompletableFuture<>();
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private final Set<DeviceConnection> devices = ConcurrentHashMap.newKeySet();

  Run(Duration patience) throws IOException {
    this.patience = patience;
    listener = new ServerSocket(0, 1024, InetAddress.getLoopbackAddress());
    threads =
        Executors.newCachedThreadPool(
            task -> {
              Thread thread = new Thread(task, "fake-push-server-" + listener.getLocalPort());
              thread.setDaemon(true);
              return thread;
            });
    real =
        PushServer.builder()
            .port(0)
            .noEndpointPort()
            .endpointUrl(endpointUrl())
            .keys(EndpointKeys.ephemeral())
            .store(store)
            .pingMinInterval(Duration.ZERO)
            .redeliveryInterval(Duration.ofSeconds(1))
            .eventLoops(1)
            .build();
    try {
      real.start();
    } catch (IOException | RuntimeException e) {
      listener.close();
      throw e;
    }
    threads.execute(this::accept);
  }

  URI endpointUrl() {
    return URI.create("http://127.0.0.1:" + listener.getLocalPort());
  }

  URI webSocketUri() {
    return URI.create("ws://127.0.0.1:" + listener.getLocalPort() + "/");
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = listener.accept();
        sockets.add(socket);
        threads.execute(() -> serve(socket));
      }
    } catch (IOException | RejectedExecutionException e) {
      if (!closing.isDone()) {
        log.error("The fake push server accepts no more", e);
      }
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      socket.setTcpNoDelay(true);
      DataInputStream in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
      HttpHead head = HttpHead.read(in);
      if (head != null && head.has("upgrade", "websocket")) {
        relay(socket, in, head);
      } else {
        new HttpConversation(socket, in, real.endpointHandler(), mailboxes, closing).serve(head);
      }
    } catch (IOException e) {
      log.debug("A connection ended", e);
    } catch (RejectedExecutionException e) {
      log.debug("A device connected while the server was closed", e);
    } finally {
      sockets.remove(socket);
    }
  }

  private void relay(Socket socket, DataInputStream in, HttpHead head) throws IOException {
    int refusal = script.handshakeStatus();
    if (refusal != 0) {
      DeviceConnection.refuseHandshake(socket, refusal);
      return;
    }
    Socket upstream = new Socket(InetAddress.getLoopbackAddress(), real.port());
    upstream.setTcpNoDelay(true);
    DeviceConnection device = new DeviceConnection(socket, in, upstream, script, patience);
    devices.add(device);
    if (closing.isDone()) {
      device.cut();
    }
    try {
      device.relay(head, threads, greeted::add);
    } finally {
      devices.remove(device);
    }
  }

  /** Closes every connection of a device, as a server does that goes away. */
  void sendDevicesAway() {
    for (DeviceConnection device : devices) {
      try {
        device.close(CloseCode.GOING_AWAY.code());
      } catch (IOException e) {
        log.debug("A device went away by itself", e);
      }
    }
  }

  @Override
  public void close() throws IOException {
    closing.complete(null);
    listener.close();
    devices.forEach(DeviceConnection::cut);
    for (Socket socket : sockets) {
      socket.close();
    }
    real.close();
    store.close();
    threads.shutdownNow();
  }
}
