package org.simplepush.examples.embedspringboot;

import jakarta.servlet.Filter;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.io.ByteArrayInputStream;
import java.util.Map;

/** Filters that have to do with the body of a request, by the path they are in front of. */
final class BodyFilters {
  static final String ASKS = "/asks";
  static final String EATS = "/eats";
  static final String REPLAYS = "/replays";

  private BodyFilters() {}

  static Map<String, Filter> byPrefix() {
    return Map.of(
        ASKS,
        (request, response, chain) -> {
          request.getParameter("language");
          chain.doFilter(request, response);
        },
        EATS,
        (request, response, chain) -> {
          request.getInputStream().readAllBytes(); // to log it, say
          chain.doFilter(request, response);
        },
        REPLAYS,
        (request, response, chain) ->
            chain.doFilter(
                new Replayed((HttpServletRequest) request, request.getInputStream().readAllBytes()),
                response));
  }

  /** A request whose body can be read again. */
  private static final class Replayed extends HttpServletRequestWrapper {
    private final byte[] body;

    Replayed(HttpServletRequest request, byte[] body) {
      super(request);
      this.body = body;
    }

    @Override
    public ServletInputStream getInputStream() {
      ByteArrayInputStream bytes = new ByteArrayInputStream(body);
      return new ServletInputStream() {
        @Override
        public int read() {
          return bytes.read();
        }

        /** Many of these do not know. */
        @Override
        public boolean isFinished() {
          return false;
        }

        @Override
        public boolean isReady() {
          return true;
        }

        @Override
        public void setReadListener(ReadListener listener) {
          throw new UnsupportedOperationException();
        }
      };
    }
  }
}
