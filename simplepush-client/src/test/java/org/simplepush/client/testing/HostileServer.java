package org.simplepush.client.testing;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ServerSocketFactory;
import javax.net.ssl.SSLSocket;

/** A server over bare sockets, plain or TLS, that does as its script says on each connection. */
public final class HostileServer implements AutoCloseable {
  /** What it does on one connection; that ends when this returns or throws. */
  public interface Script {
    void serve(Wire wire) throws IOException;
  }

  private final ServerSocket listener;
  private final String scheme;
  private final Script script;
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "hostile server");
            thread.setDaemon(true);
            return thread;
          });
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();

  public HostileServer(Script script) throws IOException {
    this("ws", ServerSocketFactory.getDefault(), script);
  }

  public HostileServer(String scheme, ServerSocketFactory sockets, Script script)
      throws IOException {
    this.scheme = scheme;
    this.script = script;
    listener = sockets.createServerSocket(0, 50, InetAddress.getLoopbackAddress());
    listener.setReceiveBufferSize(16 * 1024); // so that who does not read is noticed soon
    threads.execute(this::accept);
  }

  public URI uri() {
    return URI.create(scheme + "://127.0.0.1:" + listener.getLocalPort() + "/");
  }

  /** Returns how many connections there were. */
  public int accepted() {
    return accepted.get();
  }

  private void accept() {
    try {
      while (true) {
        Socket socket = listener.accept();
        accepted.incrementAndGet();
        open.add(socket);
        threads.execute(() -> serve(socket));
      }
    } catch (SocketException e) {
      if (!listener.isClosed()) {
        throw new AssertionError(e);
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void serve(Socket socket) {
    try (socket) {
      script.serve(new Wire(socket));
    } catch (IOException | IllegalStateException e) {
      // The device has ended the connection, which is what it should do.
    } finally {
      open.remove(socket);
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : open) {
      socket.close();
    }
    threads.shutdownNow();
  }

  /** One connection, as bytes. */
  public static final class Wire {
    public final DataInputStream in;
    public final OutputStream out;

    private final URI here;

    public Wire(Socket socket) throws IOException {
      String scheme = socket instanceof SSLSocket ? "wss" : "ws";
      here = URI.create(scheme + "://127.0.0.1:" + socket.getLocalPort() + "/");
      in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
      out = new BufferedOutputStream(socket.getOutputStream(), 16 * 1024);
    }

    /** Returns the address of this server. */
    public URI here() {
      return here;
    }

    /** Reads the head of a request and returns its {@code Sec-WebSocket-Key}. */
    public String readHead() throws IOException {
      String key = "";
      for (String line = readLine(); !line.isEmpty(); line = readLine()) {
        if (line.toLowerCase(Locale.ROOT).startsWith("sec-websocket-key:")) {
          key = line.substring(line.indexOf(':') + 1).trim();
        }
      }
      return key;
    }

    private String readLine() throws IOException {
      ByteArrayOutputStream line = new ByteArrayOutputStream();
      for (int next = in.read(); next != '\n'; next = in.read()) {
        if (next < 0) {
          throw new EOFException();
        }
        line.write(next);
      }
      return line.toString(StandardCharsets.ISO_8859_1).trim();
    }

    public void write(String ascii) throws IOException {
      out.write(ascii.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
    }

    /** Accepts the WebSocket, with more lines of header fields if any. */
    public void upgrade(String... more) throws IOException {
      String key = readHead();
      StringBuilder head =
          new StringBuilder("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")
              .append("Connection: Upgrade\r\nSec-WebSocket-Accept: ")
              .append(accept(key))
              .append("\r\n");
      for (String line : more) {
        head.append(line).append("\r\n");
      }
      write(head.append("\r\n").toString());
    }

    private static String accept(String key) {
      try {
        byte[] text =
            (key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").getBytes(StandardCharsets.US_ASCII);
        return Base64.getEncoder().encodeToString(MessageDigest.getInstance("SHA-1").digest(text));
      } catch (NoSuchAlgorithmException e) {
        throw new AssertionError(e);
      }
    }

    /** Accepts the WebSocket, reads the hello and accepts that, too. */
    public void greet(String uaid) throws IOException {
      upgrade();
      readMessage();
      say("{'messageType':'hello','status':200,'uaid':'" + uaid + "'}");
    }

    /** Returns the next text of the device; other frames are passed over. */
    public String readMessage() throws IOException {
      while (true) {
        int opcode = in.readUnsignedByte() & 0x0f;
        int length = in.readUnsignedByte() & 0x7f;
        if (length == 126) {
          length = in.readUnsignedShort();
        } else if (length == 127) {
          length = Math.toIntExact(in.readLong());
        }
        byte[] mask = new byte[4];
        in.readFully(mask);
        byte[] payload = new byte[length];
        in.readFully(payload);
        for (int i = 0; i < length; i++) {
          payload[i] ^= mask[i % 4];
        }
        if (opcode == 8) {
          throw new EOFException("the device closed");
        }
        if (opcode == 1) {
          return new String(payload, StandardCharsets.UTF_8);
        }
      }
    }

    /** Sends a text; single quotes become double ones. */
    public void say(String json) throws IOException {
      frame(0x81, json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
      out.flush();
    }

    /** Sends a frame; it may stay in the buffer. */
    public void frame(int firstByte, byte[] payload) throws IOException {
      header(firstByte, payload.length);
      out.write(payload);
    }

    /** Sends the header of a frame of any length. */
    public void header(int firstByte, long length) throws IOException {
      out.write(firstByte);
      if (length < 126) {
        out.write((int) length);
      } else if (length < 65536) {
        out.write(126);
        out.write((int) (length >> 8));
        out.write((int) length);
      } else {
        out.write(127);
        out.write(ByteBuffer.allocate(8).putLong(length).array());
      }
    }

    /** Reads until the device ends the connection, and says nothing. */
    public void stayOnTheLine() throws IOException {
      byte[] buffer = new byte[8192];
      while (in.read(buffer) >= 0) {}
    }
  }
}
