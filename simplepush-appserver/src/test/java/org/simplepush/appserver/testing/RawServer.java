package org.simplepush.appserver.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import org.simplepush.core.internal.DaemonThreads;

/** A server that misbehaves as the test says, to one connection after the other. */
public final class RawServer implements AutoCloseable {
  public interface Behaviour {
    void answer(Socket socket, OutputStream out) throws IOException;
  }

  private final ServerSocket listener;

  /** How the last connection ended; exceptionally if the other side broke it. */
  public final CompletableFuture<Void> ended = new CompletableFuture<>();

  public RawServer(Behaviour behaviour) throws IOException {
    listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    DaemonThreads.make("raw-server", () -> serve(behaviour)).start();
  }

  private void serve(Behaviour behaviour) {
    try {
      while (true) {
        try (Socket socket = listener.accept()) {
          BufferedReader in =
              new BufferedReader(
                  new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
          for (String line = in.readLine(); line != null && !line.isEmpty(); line = in.readLine()) {
            // the head of the request; its body is shorter than any buffer
          }
          behaviour.answer(socket, socket.getOutputStream());
        }
      }
    } catch (IOException e) {
      ended.completeExceptionally(e);
    }
  }

  public URI endpoint() {
    return URI.create("http://localhost:" + listener.getLocalPort() + "/update/token");
  }

  public static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @Override
  public void close() throws IOException {
    listener.close();
  }
}
