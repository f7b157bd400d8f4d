package org.simplepush.client.testing;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.zip.Deflater;
import org.simplepush.client.testing.HostileServer.Wire;

/** What a hostile server does to a device, and what the device says of it. */
public enum Hostility implements HostileServer.Script {
  // Before there is a WebSocket.
  SILENCE("did not open in time") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.stayOnTheLine();
    }
  },
  NO_HTTP("does not speak HTTP") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      wire.write("SSH-2.0-OpenSSH_9.6\r\n\r\n");
    }
  },
  ENDLESS_LINE("could not be opened") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      while (true) {
        wire.write("x".repeat(8192));
      }
    }
  },
  ENDLESS_HEAD("could not be opened") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      wire.write("HTTP/1.1 101 Switching Protocols\r\n");
      while (true) {
        wire.write("x:y\r\n".repeat(2000));
      }
    }
  },
  ENDLESS_HINTS("could not be opened") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      while (true) {
        wire.write("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(500));
      }
    }
  },
  /** Each byte comes in time, the answer never. */
  DRIPPING_HEAD("did not open in time") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      wire.write("HTTP/1.1 101 Switching Protocols\r\nX: ");
      while (true) {
        wire.write("x");
        LockSupport.parkNanos(100_000_000);
      }
    }
  },
  NEGATIVE_LENGTH("answer could not be read") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      wire.write("HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\n");
      wire.stayOnTheLine();
    }
  },
  ENDLESS_RETRY_AFTER("answer could not be read") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      wire.write("HTTP/1.1 503 No\r\nRetry-After: 99999999999999\r\nContent-Length: 0\r\n\r\n");
      wire.stayOnTheLine();
    }
  },
  ENDLESS_BODY("HTTP 200 instead of 101") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      wire.write("HTTP/1.1 200 OK\r\n\r\n");
      while (true) {
        wire.write("x".repeat(8192));
      }
    }
  },
  HTTP_REDIRECT("devices do not follow redirects") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      wire.write(
          "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:22/\r\nContent-Length: 0\r\n\r\n");
      wire.stayOnTheLine();
    }
  },
  CHALLENGE("it does not let this device in") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      wire.write(
          "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n");
      wire.stayOnTheLine();
    }
  },
  PROXY_CHALLENGE("could not be opened") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.readHead();
      wire.write("HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n");
      wire.stayOnTheLine();
    }
  },
  LONG_SUBPROTOCOL("subprotocol") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.upgrade("Sec-WebSocket-Protocol: " + "x".repeat(100_000));
      wire.stayOnTheLine();
    }
  },
  /** 64 MiB in 64 KiB, though nobody offered to take that. */
  COMPRESSION("extension that was not offered") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.upgrade("Sec-WebSocket-Extensions: permessage-deflate");
      wire.frame(0xc1, bomb());
      wire.out.flush();
      wire.stayOnTheLine();
    }
  },
  // Instead of an answer to hello.
  NO_HELLO("did not answer the hello in time") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.upgrade();
      wire.stayOnTheLine();
    }
  },
  HUGE_ERROR("refused the hello with 503: xxxx") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.upgrade();
      wire.readMessage();
      wire.say("{'messageType':'hello','status':503,'error':'" + "x".repeat(1_000_000) + "'}");
      wire.stayOnTheLine();
    }
  },
  REDIRECT_IN_CIRCLES("redirects in circles") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.upgrade();
      wire.readMessage();
      wire.say("{'messageType':'hello','status':307,'redirect':'" + wire.here() + "'}");
      wire.stayOnTheLine();
    }
  },
  // After it.
  HUGE_MESSAGE("more than 1048576 bytes") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      wire.header(0x81, 100_000_000);
      for (int i = 0; i < 100_000; i++) {
        wire.out.write(new byte[1000]);
      }
      wire.stayOnTheLine();
    }
  },
  HUGE_HEADER("more than 1048576 bytes") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      wire.header(0x82, Long.MAX_VALUE);
      wire.out.flush();
      wire.stayOnTheLine();
    }
  },
  ENDLESS_FRAGMENTS("more than 1048576 bytes") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      wire.frame(0x01, new byte[0]);
      while (true) {
        wire.frame(0x00, new byte[10_000]);
      }
    }
  },
  EMPTY_FRAGMENTS("more than 1024 fragments") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      wire.frame(0x01, new byte[0]);
      while (true) {
        wire.frame(0x00, new byte[0]);
      }
    }
  },
  PINGS("more than 64 pings") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      while (true) {
        wire.frame(0x89, new byte[125]);
      }
    }
  },
  /** Each asks for an acknowledgement, and nobody reads these. */
  NOTIFICATIONS("") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      byte[] notification =
          notification(10_000).replace('\'', '"').getBytes(StandardCharsets.UTF_8);
      while (true) {
        wire.frame(0x81, notification);
      }
    }
  },
  DEEP_JSON("not JSON within sane limits") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      wire.say("{'a':".repeat(200_000));
      wire.stayOnTheLine();
    }
  },
  LONG_NUMBER("not JSON within sane limits") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      wire.say("{'status':" + "9".repeat(1_000_000) + "}");
      wire.stayOnTheLine();
    }
  },
  BINARY("sent a binary message") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      wire.frame(0x82, new byte[1_000_000]);
      wire.out.flush();
      wire.stayOnTheLine();
    }
  },
  RESERVED_BITS("rsv") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      wire.frame(0xf1, bomb());
      wire.out.flush();
      wire.stayOnTheLine();
    }
  },
  CHANGING_UAID("changed the UAID") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UUID.randomUUID().toString());
      wire.say("{'messageType':'hello','status':200,'uaid':'" + UUID.randomUUID() + "'}");
      wire.stayOnTheLine();
    }
  },
  CLOSE_FRAME("ended: xxxx") {
    @Override
    public void serve(Wire wire) throws IOException {
      wire.greet(UAID);
      wire.frame(0x88, ("\u0003\u00e8" + "x".repeat(123)).getBytes(StandardCharsets.ISO_8859_1));
      while (true) {
        wire.frame(0x81, new byte[10_000]);
      }
    }
  };

  public static final String UAID = "5bb3a4f5-7c1c-4d0e-9b5a-2d6d5b5f0f11";

  /** Part of the reason that the listener gets; of several reasons, nothing. */
  public final String reason;

  Hostility(String reason) {
    this.reason = reason;
  }

  /** Every channel is unknown to the device. */
  public static String notification(int updates) {
    StringBuilder json = new StringBuilder("{'messageType':'notification','updates':[");
    for (int i = 0; i < updates; i++) {
      json.append(i == 0 ? "" : ",")
          .append("{'channelID':'")
          .append("%032x".formatted(i))
          .append("','version':9223372036854775807}");
    }
    return json.append("]}").toString();
  }

  /** Returns what inflates to 64 MiB. */
  public static byte[] bomb() {
    Deflater deflater = new Deflater(9, true);
    byte[] zeros = new byte[1 << 20];
    byte[] buffer = new byte[8192];
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < 64; i++) {
      deflater.setInput(zeros);
      for (int count = deflater.deflate(buffer); count > 0; count = deflater.deflate(buffer)) {
        bytes.write(buffer, 0, count);
      }
    }
    deflater.end();
    return bytes.toByteArray();
  }
}
